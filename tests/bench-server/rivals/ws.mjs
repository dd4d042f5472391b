// The least server on `ws`: everything to everybody, as one string.
import { WebSocketServer } from 'ws';
import { follow } from './pbx.mjs';

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, backlog: 4096, perMessageDeflate: false });
server.on('listening', () =>
  follow(server.address().port, (fact) => {
    const text = JSON.stringify(fact);
    for (const client of server.clients) client.send(text);
  }),
);
