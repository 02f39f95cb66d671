// A Responses API on the npm package `ws`, with the heartbeat that its own documentation shows: a ping to
// everyone every so often, and an end without a Close frame for whoever did not answer the last one.
//
//   node ws-server.cjs PORT SECONDS-BETWEEN-PINGS
//
// It answers with an echo of the input's text, after as many seconds as the model's name says (`think 3`). It
// notes on standard output what it sees.
const { createServer } = require("node:http");
const { WebSocketServer } = require("ws");

const [port, seconds] = process.argv.slice(2).map(Number);
const sleep = (s) => new Promise((done) => setTimeout(done, s * 1000));

// The answer to one request: events, with pauses between them.
async function* answer({ model, input }) {
  const said = ({ content }) => (typeof content === "string" ? content : content[0].text);
  const text = typeof input === "string" ? input : input.map(said).join("");
  const response = { id: `resp_${Math.random().toString(36).slice(2)}`, object: "response", output: [] };
  let number = 0;
  const event = (type, fields) => ({ type, sequence_number: number++, ...fields });
  await sleep(Number(/^think (\d+)$/.exec(model)?.[1] ?? 0));
  yield event("response.created", { response: { ...response, status: "in_progress" } });
  const item = { id: response.id.replace("resp", "msg"), type: "message", role: "assistant", content: [] };
  yield event("response.output_item.added", { output_index: 0, item });
  for (const delta of ["echo: ", text]) {
    yield event("response.output_text.delta", { item_id: item.id, output_index: 0, content_index: 0, delta });
  }
  yield event("response.completed", { response: { ...response, status: "completed" } });
}

const http = createServer(async (request, reply) => {
  console.log(request.method, request.url);
  let body = "";
  for await (const chunk of request) body += chunk;
  if (request.method !== "POST") return reply.writeHead(404).end();
  reply.writeHead(200, { "content-type": "text/event-stream" });
  for await (const event of answer(JSON.parse(body))) {
    reply.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  }
  reply.end();
});

const sockets = new WebSocketServer({ server: http });
sockets.on("connection", (socket, request) => {
  console.log(request.method, request.url);
  socket.isAlive = true;
  socket.on("pong", () => {
    console.log("pong");
    socket.isAlive = true;
  });
  socket.on("error", console.error);
  socket.on("close", (code) => console.log("closed", code));
  socket.on("message", async (data) => {
    const { model, input } = JSON.parse(data);
    // The model's name may also ask for another end.
    if (model.startsWith("close ")) return socket.close(Number(model.slice(6)), "as asked");
    let left = model === "cut" ? 3 : Infinity;
    for await (const event of answer({ model, input })) {
      if (left-- <= 0) return socket.terminate();
      socket.send(JSON.stringify(event));
    }
  });
});
setInterval(() => {
  for (const socket of sockets.clients) {
    if (!socket.isAlive) {
      console.log("no pong");
      socket.terminate();
      continue;
    }
    socket.isAlive = false;
    socket.ping();
  }
}, seconds * 1000);

http.listen(port, "127.0.0.1");
