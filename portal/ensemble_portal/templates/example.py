import json
from urllib.request import Request, urlopen

request = Request(
    "{{ base }}/api/v1/rooms",
    data=json.dumps({"name": "team standup"}).encode(),
    headers={"Content-Type": "application/json"},
)
with urlopen(request) as response:
    room = json.load(response)
print(room["link"])
