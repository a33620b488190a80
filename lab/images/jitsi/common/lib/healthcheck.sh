#!/bin/sh
exec curl -fsS -o /dev/null -m 5 "$HEALTH_URL"
