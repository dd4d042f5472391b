"""panoramisk as its users run it: a callback for every event, which counts them.

panoramisk_client.py PORT; prints "end RECEIVED" when the bench's last event has come and stays until its input ends.
"""

import asyncio
import logging
import sys

from panoramisk import Manager

logging.disable(logging.CRITICAL)


async def main():
    manager = Manager(host="127.0.0.1", port=int(sys.argv[1]), username="bench", secret="bench", ping_delay=3600)
    received = 0
    over = asyncio.get_running_loop().create_future()

    @manager.register_event("*")
    def count(_, event):
        nonlocal received
        if event.event == "UserEvent":
            over.set_result(None)
        else:
            received += 1

    manager.loop = asyncio.get_running_loop()
    await manager.connect()
    while not manager.authenticated:
        await asyncio.sleep(0.01)
    # The replay begins after this.
    await manager.send_action({"Action": "Ping"})
    await over
    print("end", received, flush=True)
    sys.stdin.read()


asyncio.run(main())
