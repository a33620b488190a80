curl --fail-with-body --silent --show-error \
  --header 'Content-Type: application/json' \
  --data '{"name": "team standup"}' \
  '{{ base }}/api/v1/rooms'
