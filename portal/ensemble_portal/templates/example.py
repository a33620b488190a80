import json
from urllib.request import Request, urlopen
from uuid import uuid4

request = Request(
    "{{ base }}/api/v1/rooms",
    data=json.dumps({"name": "team standup"}).encode(),
    headers={"Content-Type": "application/json", "Idempotency-Key": str(uuid4())},
)
with urlopen(request) as response:
    room = json.load(response)
print(room["link"])
