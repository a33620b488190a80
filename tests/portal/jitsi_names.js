// What Jitsi Meet makes of a room's name in an address: parseURIString and getBackendSafeRoomName of its web client.
"use strict";
const EXCLUDED = /[:?#[\]@!$&'()*+,;=></"]/g;

function backendSafe(room) {
  try {
    room = decodeURIComponent(room);
  } catch {
    // as it is
  }
  return encodeURIComponent(room.normalize("NFKC").toLowerCase()).toLowerCase();
}

const paths = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(paths.map((path) => decodeURIComponent(backendSafe(path.replace(EXCLUDED, ""))))));
