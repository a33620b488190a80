const answer = await fetch("{{ base }}/api/v1/rooms", {
  method: "POST",
  headers: { "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() },
  body: JSON.stringify({ name: "team standup" }),
});
const room = await answer.json();
if (!answer.ok) throw new Error(room.detail);
console.log(room.link);
