printf 'Authorization: Bearer %s' "$PORTAL_KEY" |
  curl --fail-with-body --silent --show-error --header @- \
    --request DELETE '{{ base }}/api/v1/rooms/team%20standup'
