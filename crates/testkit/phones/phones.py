"""SIP phones that a test plays with: one process, JSON lines in and out.

Usage: phones.py SIP_PORT TRUNK_PORT MEDIA_PORT FIRST_CALL

The phones of the firm register at 127.0.0.1:SIP_PORT; the account "trunk" is the telephone company
at 127.0.0.2:TRUNK_PORT. Calls are numbered from FIRST_CALL; pjsua has four at a time and refuses a fifth
with 486, therefore the company and the phones are two processes. Each line on standard input is a request {"id", "do", ...}, answered by
{"done": id, "call"} or {"failed": id, "why"}; everything else on standard output is an event
{"phone", "call", "kind", ...} or, with a Unix time, a line of the log in which a person can read
what every phone was told, saw and did: {"t", "cmd": {"op", ...}} and {"t", "ev", ...}.
The process ends when its standard input does.
"""

import json
import os
import queue
import re
import sys
import threading
import time

import pjsua2

SIP_PORT, TRUNK_PORT, MEDIA_PORT, FIRST_CALL = (int(argument) for argument in sys.argv[1:5])
TRUNK = "trunk"
MEDIA_PORTS_OF_PHONE = 12
MEDIA_PORTS_OF_TRUNK = 24
# What is done to one call, by its name in the log.
OPERATIONS = {
    "answer": "answer",
    "reject": "reject",
    "hangup": "hangup",
    "hold": "hold",
    "unhold": "unhold",
    "digits": "dtmf",
    "transfer": "xfer",
    "join": "xfer_replaces",
}


# What phones take as "pick up by yourself" in Call-Info or Alert-Info; see docs/dialplan.md.
PICK_UP = re.compile(
    r"answer-after=0|info=alert-autoanswer|ring[ -]answer|auto answer|intercom|info=external", re.IGNORECASE
)


def say(**message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def log(**entry):
    say(t=round(time.time(), 3), **entry)


def parameters(code=0):
    result = pjsua2.CallOpParam(True)
    if code:
        result.statusCode = code
    return result


class Later:
    """Actions to be done at their time, by the one thread that may touch pjsua."""

    def __init__(self):
        self.waiting = []

    def add(self, seconds, action):
        self.waiting.append((time.monotonic() + seconds, action))

    def run(self):
        now = time.monotonic()
        due = [action for at, action in self.waiting if at <= now]
        self.waiting = [(at, action) for at, action in self.waiting if at > now]
        for action in due:
            try:
                action()
            except pjsua2.Error as error:
                say(phone="", call=0, kind="trouble", why=str(error.reason))


class Talk(pjsua2.Call):
    """One call of one phone."""

    def __init__(self, house, phone, call_id=pjsua2.PJSUA_INVALID_ID, name=None):
        super().__init__(phone, call_id)
        self.house, self.phone, self.alive, self.reported = house, phone, True, None
        self.is_to_pick_up = False
        # In the log each customer is somebody else, though the telephone company is one account.
        self.name = name or phone.name
        # Kept for ever: the destructor of a finished call hangs up whichever new one has its slot by then.
        house.talks.append(self)
        self.number = FIRST_CALL + len(house.talks) - 1

    def say(self, kind, **more):
        say(phone=self.phone.name, call=self.number, kind=kind, **more)

    def log(self, what, **more):
        log(ev=what, call=self.number, acc=self.name, **more)

    def onCallState(self, parameter):
        info = self.getInfo()
        self.log(
            "state", state=info.stateText, code=info.lastStatusCode, reason=info.lastReason, remote=info.remoteUri
        )
        if info.state == pjsua2.PJSIP_INV_STATE_DISCONNECTED:
            self.alive = False
            self.say("ended", code=info.lastStatusCode, reason=info.lastReason)
            return
        kind = {
            pjsua2.PJSIP_INV_STATE_CALLING: "calling",
            pjsua2.PJSIP_INV_STATE_EARLY: "ringing",
            pjsua2.PJSIP_INV_STATE_CONFIRMED: "answered",
        }.get(info.state)
        if kind and kind != self.reported:
            self.reported = kind
            self.say(kind, code=info.lastStatusCode, remote=info.remoteUri)

    def onCallMediaState(self, parameter):
        # Without a name of its own it is freed while its media are looked at.
        info = self.getInfo()
        for index, media in enumerate(info.media):
            if media.type == pjsua2.PJMEDIA_TYPE_AUDIO and media.status == pjsua2.PJSUA_CALL_MEDIA_ACTIVE:
                # A phone with nothing to say sends next to no RTP.
                self.house.voice().startTransmit(self.getAudioMedia(index))
        self.log("media", status=[(media.status, media.dir) for media in info.media])

    def onCallTsxState(self, parameter):
        """The only place that knows which side sent the BYE."""
        change = parameter.e.body.tsxState
        tsx = change.tsx
        if tsx.role != pjsua2.PJSIP_ROLE_UAS or tsx.state != pjsua2.PJSIP_TSX_STATE_TRYING:
            return
        if tsx.method in ("BYE", "CANCEL"):
            reasons = re.findall(r"(?mi)^Reason:\s*(.*?)\r?$", change.src.rdata.wholeMsg)
            self.log("theyended", how=tsx.method, why=reasons)

    def onCallTransferStatus(self, parameter):
        code, final = parameter.statusCode, parameter.finalNotify
        self.log("xferstatus", code=code, reason=parameter.reason, final=final)
        if final and code < 300:
            # As desk phones do: who was told that the transfer is done leaves by himself.
            self.house.later.add(0, self.if_alive(lambda: self.hangup(parameters())))

    def onDtmfDigit(self, parameter):
        self.log("dtmf", digit=parameter.digit)
        self.say("digit", digit=parameter.digit)

    def if_alive(self, action):
        return lambda: action() if self.alive else None

    def follow(self, policy):
        kind = policy["policy"]
        if kind == "silent":
            return
        if kind == "reject" and not policy["after"]:
            self.answer(parameters(policy["code"]))
            return
        self.answer(parameters(180))
        if kind == "obey" and self.is_to_pick_up:
            self.answer(parameters(200))
        elif kind == "reject":
            self.house.later.add(policy["after"], self.if_alive(lambda: self.answer(parameters(policy["code"]))))
        elif kind == "answer":
            self.house.later.add(policy["after"], self.if_alive(lambda: self.answer(parameters(200))))
            if policy["hang_up"] is not None:
                ends = policy["after"] + policy["hang_up"]
                self.house.later.add(ends, self.if_alive(lambda: self.hangup(parameters())))


class Phone(pjsua2.Account):
    """A phone of the firm, or the telephone company."""

    def __init__(self, house, name):
        super().__init__()
        self.house, self.name = house, name
        self.policy, self.rules = {"policy": "ring"}, {}

    def onRegState(self, parameter):
        kind = "registered" if parameter.code == 200 and parameter.expiration > 0 else "unregistered"
        say(phone=self.name, call=0, kind=kind, code=parameter.code)
        log(ev="reg", acc=self.name, code=parameter.code, exp=parameter.expiration)

    def onIncomingCall(self, parameter):
        talk = Talk(self.house, self, parameter.callId)
        dialled = re.match(r"INVITE sip:([^@;>\s]*)", parameter.rdata.wholeMsg)
        dialled = dialled[1] if dialled else ""
        info = talk.getInfo()
        headers = {
            name.lower(): value
            for name, value in re.findall(
                r"(?mi)^(From|To|P-Asserted-Identity|Call-Info|Alert-Info|Diversion|X-[\w-]+):\s*(.*?)\r?$",
                parameter.rdata.wholeMsg,
            )
        }
        asked = (headers.get(name, "") for name in ("call-info", "alert-info"))
        talk.is_to_pick_up = any(PICK_UP.search(value) for value in asked)
        talk.log("incoming", remote=info.remoteUri, local=info.localUri, dialled=dialled, headers=headers)
        talk.say("incoming", dialled=dialled, remote=info.remoteUri)
        talk.follow(self.rules.get(dialled.lstrip("+"), self.policy))


class House:
    """All phones and their calls."""

    def __init__(self):
        self.phones, self.talks, self.later, self.tone, self.customers = {}, [], Later(), None, 0
        self.endpoint = pjsua2.Endpoint()
        self.endpoint.libCreate()
        config = pjsua2.EpConfig()
        config.logConfig.level = config.logConfig.consoleLevel = 0
        config.uaConfig.threadCnt = 0
        config.uaConfig.mainThreadOnly = True
        config.uaConfig.maxCalls = 4
        config.medConfig.noVad = True
        config.medConfig.threadCnt = 1
        config.medConfig.ecTailLen = 0
        self.endpoint.libInit(config)
        self.endpoint.audDevManager().setNullDev()
        self.inside = self.transport("127.0.0.1", 0)
        self.endpoint.libStart()

    def transport(self, address, port):
        config = pjsua2.TransportConfig()
        config.port = port
        config.boundAddress = config.publicAddress = address
        return self.endpoint.transportCreate(pjsua2.PJSIP_TRANSPORT_UDP, config)

    def voice(self):
        if not self.tone:
            self.tone = pjsua2.ToneGenerator()
            self.tone.createToneGenerator(8000, 1)
            tone = pjsua2.ToneDesc()
            tone.freq1, tone.freq2, tone.on_msec, tone.off_msec = 440, 0, 800, 200
            tones = pjsua2.ToneDescVector()
            tones.append(tone)
            self.tone.play(tones, True)
        return self.tone

    def add(self, name, config, address, media_ports):
        config.mediaConfig.transportConfig.boundAddress = address
        config.mediaConfig.transportConfig.port = MEDIA_PORT + MEDIA_PORTS_OF_PHONE * len(self.phones)
        config.mediaConfig.transportConfig.portRange = media_ports
        config.natConfig.iceEnabled = False
        phone = Phone(self, name)
        phone.create(config, name == TRUNK)
        self.phones[name] = phone

    def do_phone(self, request):
        name = request["phone"]
        # Extension 105 may have the phones 105 and 105b.
        user = name.rstrip("abcdefgh")
        config = pjsua2.AccountConfig()
        config.idUri = f"sip:{user}@127.0.0.1:{SIP_PORT}"
        config.regConfig.registrarUri = f"sip:127.0.0.1:{SIP_PORT}"
        config.regConfig.timeoutSec = 300
        config.regConfig.retryIntervalSec = 1
        config.regConfig.firstRetryIntervalSec = 1
        config.regConfig.dropCallsOnFail = False
        config.sipConfig.authCreds.append(pjsua2.AuthCredInfo("digest", "*", user, 0, request["password"]))
        config.sipConfig.transportId = self.inside
        self.add(name, config, "127.0.0.1", MEDIA_PORTS_OF_PHONE)

    def do_trunk(self, request):
        config = pjsua2.AccountConfig()
        config.idUri = f"sip:trunk@127.0.0.2:{TRUNK_PORT}"
        config.sipConfig.transportId = self.transport("127.0.0.2", TRUNK_PORT)
        self.add(TRUNK, config, "127.0.0.2", MEDIA_PORTS_OF_TRUNK)

    def do_policy(self, request):
        phone = self.phones[request["phone"]]
        if request["dialled"] is None:
            phone.policy = request["policy"]
        else:
            phone.rules[request["dialled"].lstrip("+")] = request["policy"]

    def do_registration(self, request):
        if not request["wanted"]:
            log(cmd={"op": "unreg", "acc": request["phone"]})
        self.phones[request["phone"]].setRegistration(request["wanted"])

    def do_call(self, request):
        name = request["phone"]
        command = {"op": "call", "acc": name, "to": request["to"]}
        if name == TRUNK:
            self.customers += 1
            name = command["as"] = f"ext{self.customers}"
        if request["from"] is not None:
            command["from"] = request["from"]
        log(cmd=command)
        talk = Talk(self, self.phones[request["phone"]], name=name)
        options = parameters()
        if request["from"] is not None:
            options.txOption.localUri = request["from"]
        for name, value in request["headers"].items():
            header = pjsua2.SipHeader()
            header.hName, header.hValue = name, value
            options.txOption.headers.append(header)
        try:
            talk.makeCall(f"sip:{request['to']}@127.0.0.1:{SIP_PORT}", options)
        except pjsua2.Error:
            talk.alive = False
            raise
        talk.log("calling", to=request["to"])
        return talk.number

    def do_answer(self, request):
        self.talk(request).answer(parameters(200))

    def do_reject(self, request):
        self.talk(request, code=request["code"]).answer(parameters(request["code"]))

    def do_hangup(self, request):
        self.talk(request).hangup(parameters())

    def do_hold(self, request):
        self.talk(request).setHold(parameters())

    def do_unhold(self, request):
        options = parameters()
        options.opt.flag = pjsua2.PJSUA_CALL_UNHOLD
        self.talk(request).reinvite(options)

    def do_digits(self, request):
        self.talk(request, digits=request["digits"]).dialDtmf(request["digits"])

    def do_transfer(self, request):
        self.talk(request, to=request["to"]).xfer(f"sip:{request['to']}@127.0.0.1:{SIP_PORT}", parameters())

    def do_join(self, request):
        self.talk(request, other=request["other"]).xferReplaces(self.living(request["other"]), parameters())

    def talk(self, request, **more):
        log(cmd={"op": OPERATIONS[request["do"]], "call": request["call"], **more})
        return self.living(request["call"])

    def living(self, number):
        talk = self.talks[number - FIRST_CALL]
        if not talk.alive:
            raise ValueError("the call has ended")
        return talk

    def serve(self, request):
        try:
            call = getattr(self, "do_" + request["do"])(request)
            if request["do"] in OPERATIONS:
                self.talks[request["call"] - FIRST_CALL].log("did", op=OPERATIONS[request["do"]])
            say(done=request["id"], call=call or 0)
        except pjsua2.Error as error:
            say(failed=request["id"], why=str(error.reason))
        except (KeyError, IndexError, ValueError, TypeError) as error:
            say(failed=request["id"], why=f"{type(error).__name__}: {error}")


def read_requests(requests):
    for line in sys.stdin:
        requests.put(json.loads(line))
    requests.put(None)


def main():
    house, requests = House(), queue.Queue()
    threading.Thread(target=read_requests, args=(requests,), daemon=True).start()
    say(ready=True)
    while True:
        house.endpoint.libHandleEvents(5)
        house.later.run()
        while not requests.empty():
            request = requests.get()
            if request is None:
                return
            house.serve(request)


main()
# pjsua's own clean-up waits for the other side of every call.
os._exit(0)
