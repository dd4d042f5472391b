// What both rivals share: reads lamps from the scripted phone system and makes one ready message of each.
// Arguments: port of the phone system, bytes of a message.
import { connect } from 'node:net';

const [port, size] = process.argv.slice(2).map(Number);
const WORDS = { 0: 'idle', 8: 'ringing', 1: 'in_use', 9: 'in_use_ringing', 16: 'on_hold', 2: 'busy' };

// Says `ready PORT` when the phone system has let it in as well.
export function follow(listening, tell) {
  const socket = connect(port, '127.0.0.1');
  socket.setEncoding('latin1');
  let kept = '';
  let isReady = false;
  socket.write('Action: Login\r\nActionID: 1\r\n\r\n');
  socket.on('data', (text) => {
    kept += text;
    let end;
    while ((end = kept.indexOf('\r\n\r\n')) >= 0) {
      const message = kept.slice(0, end);
      kept = kept.slice(end + 4);
      if (message.includes('Response: Success') && !isReady) {
        isReady = true;
        console.log(`ready ${listening}`);
      }
      if (message.startsWith('Event: ExtensionStatus')) tell(lamp(message));
    }
  });
  socket.on('close', () => process.exit(0));
}

function lamp(message) {
  const extension = /^Exten: (.*)$/m.exec(message)[1].trim();
  const status = /^Status: (.*)$/m.exec(message)[1].trim();
  const fact = { fact: 'extension', key: `${extension}@main`, value: { lamp: WORDS[status], rest: '' } };
  fact.value.rest = '.'.repeat(Math.max(0, size - JSON.stringify(fact).length));
  return fact;
}
