import json
from urllib.request import Request, urlopen

wish = Request(
    "{{ base }}/api/v1/rooms",
    data=json.dumps({"name": "team standup"}).encode(),
    headers={"Content-Type": "application/json"},
)
with urlopen(wish) as answer:
    room = json.load(answer)
print(room["link"])
