"""Integrations for other programs: keys with scopes, repeatable requests, webhooks, Jitsi's reservations."""
