// The reference: the least that the portal's two hot requests can be, on Node's own http server.
"use strict";
const crypto = require("crypto");
const fs = require("fs");
const http = require("http");

const [port, data] = process.argv.slice(2);
const { servers, words } = JSON.parse(fs.readFileSync(data, "utf8"));
const list = Buffer.from(JSON.stringify({ updated_at: new Date().toISOString(), servers }));
const etag = `"${crypto.createHash("sha256").update(list).digest("hex").slice(0, 24)}"`;
const scores = Float64Array.from(servers, (server) => server.load);
const CHOICES = 10, ROOM_LOAD = 0.07;

function choose() {
  let best = -1;
  for (let i = 0; i < CHOICES; i++) {
    const index = Math.floor(Math.random() * servers.length);
    if (best < 0 || scores[index] < scores[best]) best = index;
  }
  scores[best] += ROOM_LOAD;
  return servers[best];
}

function madeUpName() {
  const parts = [];
  for (let i = 0; i < 5; i++) parts.push(words[crypto.randomInt(words.length)]);
  return `${parts.join("-")}-${crypto.randomInt(10, 100)}`;
}

function newRoom(response) {
  const { server, host } = choose();
  const room = madeUpName();
  const url = `https://${host}/${room}`;
  const apps = {
    android: `intent://${host}/${room}#Intent;scheme=org.jitsi.meet;package=org.jitsi.meet;end`,
    ios: `org.jitsi.meet://${host}/${room}`,
  };
  const body = JSON.stringify({ room, url, server, host, page: `/room/${server}/${room}`, apps, embed: `https://${host}/external_api.js` });
  response.writeHead(201, {
    "content-type": "application/json",
    "cache-control": "no-store",
    location: url,
    "content-length": Buffer.byteLength(body),
  });
  response.end(body);
}

http
  .createServer((request, response) => {
    if (request.method === "GET" && request.url === "/api/v1/servers") {
      response.writeHead(200, { "content-type": "application/json", etag, "content-length": list.length });
      response.end(list);
    } else if (request.method === "POST" && request.url === "/api/v1/rooms") {
      let body = "";
      request.on("data", (chunk) => (body += chunk));
      request.on("end", () => newRoom(response));
    } else {
      response.writeHead(404).end();
    }
  })
  .listen(Number(port), "127.0.0.1");
