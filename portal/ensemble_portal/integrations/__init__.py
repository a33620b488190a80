"""What other programs build on: keys with scopes, requests that may be repeated, webhooks, Jitsi's reservations."""
