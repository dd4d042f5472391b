// The least server on socket.io: everything to everybody.
import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { follow } from './pbx.mjs';

const http = createServer();
const io = new Server(http, { transports: ['websocket'], serveClient: false });
http.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () =>
  follow(http.address().port, (fact) => io.emit('lamp', fact)),
);
