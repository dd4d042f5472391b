use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};
use testkit::{
    Asterisk,
    asterisk::Options,
    phones::{Phones, Policy, What},
};

const DIALPLAN: &str = "
[ctx-cid]
exten => _X.,1,Set(CALLERID(num)=74951230000)
 same => n,Set(CALLERID(name)=Firm)
 same => n,Goto(internal,${EXTEN},1)
[phone]
exten => _10X,1,Dial(PJSIP/${EXTEN},20)
exten => _10X,n,Hangup()
[phone-cl]
exten => _10X,1,Set(CALLERID(num)=${SIDETONE_SHOW})
exten => _10X,n,Dial(PJSIP/${EXTEN},20,I)
[vars]
exten => 1,1,Verbose(0,VARS A=[${A}] B=[${B}] C=[${C}] D=[${D}] acc=[${CHANNEL(accountcode)}] cid=[${CALLERID(all)}] cl=[${CONNECTEDLINE(all)}])
 same => n,Hangup()
[local-i]
exten => _10X,1,Dial(PJSIP/${EXTEN},20,I)
[hdr]
exten => 1,1,Verbose(0,VARS call-info=[${PJSIP_HEADER(read,Call-Info)}])
";

#[test]
fn scratch() {
    let options = Options {
        extra: vec![("extensions.conf", DIALPLAN.into())],
        ..Options::default()
    };
    let asterisk = Asterisk::start(&options).unwrap();
    let phones = Phones::start(&asterisk).unwrap();
    asterisk.cli("pjsip set logger on").unwrap();
    let cases = std::fs::read_to_string("/tmp/cases.txt").unwrap();
    phones.set_policy("101", Policy::answer_after(300)).unwrap();
    phones.set_policy("102", Policy::answer_after(300)).unwrap();
    phones
        .set_policy("trunk", Policy::answer_after(400))
        .unwrap();
    for case in cases.split("\n\n") {
        let mut lines = case.trim().lines();
        let Some(title) = lines.next() else { continue };
        println!("=== {title}");
        let log =
            || std::fs::read_to_string(asterisk.folder().join("log/full.log")).unwrap_or_default();
        let before = log().len();
        let mark = phones.mark();
        let mut socket = TcpStream::connect(asterisk.ami_addr()).unwrap();
        let mut text = String::from(
            "Action: Login\r\nUsername: lab\r\nSecret: lab-secret\r\nEvents: off\r\n\r\nAction: Originate\r\nAsync: true\r\nTimeout: 8000\r\nPriority: 1\r\nChannelId: c1\r\n",
        );
        for line in lines {
            text += line;
            text += "\r\n";
        }
        text += "\r\n";
        socket.write_all(text.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(2000));
        let mut got = vec![0; 10000];
        let n = socket.read(&mut got).unwrap();
        let got = String::from_utf8_lossy(&got[..n]).into_owned();
        for line in got.lines().filter(|l| l.starts_with("Message")) {
            println!("  ami {line}");
        }
        asterisk.cli("channel request hangup all").unwrap();
        std::thread::sleep(Duration::from_millis(500));
        let all = log();
        let text = &all[before..];
        let mut on = false;
        let mut request = String::new();
        for line in text.lines() {
            if line.contains("SIP request") || line.contains("SIP response") {
                request = line.split("<---").nth(1).unwrap_or("").to_string();
                on = request.contains("Transmitting SIP request");
                continue;
            }
            if line.contains("VARS ") || line.contains("WARNING") || line.contains("ERROR") {
                println!("  {line}");
            }
            if !on {
                continue;
            }
            if line.starts_with("OPTIONS") {
                on = false;
                continue;
            }
            if line.starts_with("INVITE")
                || line.starts_with("UPDATE")
                || line.starts_with("SIP/2.0 200")
            {
                println!(
                    "  --{} {line}",
                    request.chars().take(20).collect::<String>()
                );
            }
            if [
                "From:",
                "P-Asserted",
                "Call-Info",
                "Alert-Info",
                "Remote-Party",
                "Privacy",
                "X-",
            ]
            .iter()
            .any(|h| line.starts_with(h))
                && request.contains("Transmitting SIP request")
            {
                println!("      {line}");
            }
        }
        for event in &phones.events()[mark..] {
            if let What::Incoming { remote, .. } = &event.what {
                println!("  phone {} shows {remote}", event.phone);
            }
        }
    }
}
