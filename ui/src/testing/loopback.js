// A real HTTP and WebSocket server on loopback that says what a test tells it to.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

// By its file: under the tests' conditions the name leads to what the package has for browsers, where nobody listens.
const require = createRequire(import.meta.url);
const { WebSocket, WebSocketServer } = require(join(dirname(require.resolve("ws/package.json")), "index.js"));

/** A browser's WebSocket: its errors are events that nobody has to listen to. */
export class RealWebSocket extends WebSocket {
    constructor(url) {
        super(url);
        this.on("error", () => {});
    }
}

/** See loopback.d.ts. */
export async function loopback(handle) {
    const rest = [];
    const server = createServer((request, response) => {
        let body = "";
        request.on("data", (part) => (body += part));
        request.on("end", () => {
            rest.push({ method: request.method, url: request.url, authorization: request.headers.authorization, body });
            // The pages of the test have another origin.
            response.setHeader("access-control-allow-origin", "*");
            response.setHeader("access-control-allow-headers", "*");
            response.setHeader("access-control-allow-methods", "*");
            const { status = 200, type = "application/json", text = "" } = handle?.(request.method, request.url) ?? {};
            response.writeHead(request.method === "OPTIONS" ? 204 : status, { "content-type": type }).end(text);
        });
    });
    const arrivals = queue();
    const sockets = new WebSocketServer({ server });
    sockets.on("connection", (socket, request) => {
        const messages = queue();
        const closed = new Promise((resolve) => socket.on("close", resolve));
        socket.on("message", (data) => messages.push(JSON.parse(String(data))));
        arrivals.push({
            url: request.url,
            next: () => messages.next(),
            say: (message) => socket.send(JSON.stringify(message)),
            babble: (text) => socket.send(text),
            close: () => socket.close(),
            closed,
        });
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    return {
        base: `http://127.0.0.1:${server.address().port}/`,
        rest,
        arrival: () => arrivals.next(),
        close: () => {
            for (const client of sockets.clients) client.terminate();
            server.close();
        },
    };
}

/** What is pushed is taken in order, now or when it comes. */
function queue() {
    const there = [];
    const waiting = [];
    return {
        push: (item) => (waiting.length > 0 ? waiting.shift()(item) : there.push(item)),
        next: () =>
            there.length > 0 ? Promise.resolve(there.shift()) : new Promise((resolve) => waiting.push(resolve)),
    };
}
