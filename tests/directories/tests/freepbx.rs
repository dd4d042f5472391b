//! The people of a FreePBX, on a real MariaDB with the tables that FreePBX makes.

use std::time::{Duration, Instant};

use people::freepbx::{Freepbx, FreepbxConfig, FreepbxError, Tls};
use secrecy::SecretString;
use testkit::Mariadb;

/// As the modules core and userman of FreePBX 15 to 17 make them.
const TABLES: &str = "
CREATE DATABASE asterisk DEFAULT CHARACTER SET utf8mb4;
USE asterisk;
CREATE TABLE users (
  extension varchar(20) NOT NULL DEFAULT '' PRIMARY KEY,
  password varchar(20), name varchar(50), voicemail varchar(50), ringtimer int DEFAULT 0,
  noanswer varchar(100), recording varchar(50), outboundcid varchar(50), sipname varchar(50),
  noanswer_cid varchar(20) NOT NULL DEFAULT '', busy_cid varchar(20) NOT NULL DEFAULT '',
  chanunavail_cid varchar(20) NOT NULL DEFAULT '', noanswer_dest varchar(255) NOT NULL DEFAULT '',
  busy_dest varchar(255) NOT NULL DEFAULT '', chanunavail_dest varchar(255) NOT NULL DEFAULT '',
  mohclass varchar(80) DEFAULT 'default');
CREATE TABLE devices (
  id varchar(20) NOT NULL DEFAULT '' PRIMARY KEY, tech varchar(10) NOT NULL DEFAULT '',
  dial varchar(255) NOT NULL DEFAULT '', devicetype varchar(5) NOT NULL DEFAULT '',
  user varchar(50), description varchar(50), emergency_cid varchar(100),
  hint_override varchar(100));
CREATE TABLE userman_users (
  id int NOT NULL AUTO_INCREMENT PRIMARY KEY, auth varchar(150) DEFAULT 'freepbx',
  authid varchar(750), username varchar(250), description varchar(255), password varchar(255),
  default_extension varchar(45) NOT NULL DEFAULT 'none', primary_group int, permissions blob,
  fname varchar(100), lname varchar(100), displayname varchar(200), title varchar(100),
  company varchar(100), department varchar(100), language varchar(100), timezone varchar(100),
  email text, cell varchar(100), work varchar(100), home varchar(100), fax varchar(100));
CREATE TABLE userman_groups (
  id int NOT NULL AUTO_INCREMENT PRIMARY KEY, auth varchar(150) DEFAULT 'freepbx',
  authid varchar(255), groupname varchar(250), description varchar(255), priority int DEFAULT 5,
  users blob, permissions blob, local int DEFAULT 0);
INSERT INTO users (extension, name) VALUES ('101', 'Anna Кузнецова'), ('102', 'Front \"Desk\"'), ('103', '');
INSERT INTO devices (id, tech, dial, devicetype, user, description) VALUES
  ('101', 'pjsip', 'PJSIP/101', 'fixed', '101', 'Anna'),
  ('99101', 'pjsip', 'PJSIP/99101', 'fixed', '101', 'Anna WebRTC'),
  ('102', 'sip', 'SIP/102', 'fixed', '102', 'Desk'),
  ('777', 'pjsip', 'PJSIP/777', 'adhoc', 'none', 'Nobody');
INSERT INTO userman_users (id, username, default_extension, fname, lname, email, password) VALUES
  (7, 'anna', '101', 'Anna', 'K', 'anna@firm.example', 'hash'),
  (8, 'third', '103', 'Third', 'Man', NULL, 'hash');
INSERT INTO userman_groups (groupname, users) VALUES ('All', '[\"7\",\"8\"]'), ('Sales', '[7]');
CREATE USER 'reader'@'%' IDENTIFIED BY 'reader-secret';
CREATE USER 'narrow'@'%' IDENTIFIED BY 'narrow-secret';
CREATE USER 'nobody'@'%' IDENTIFIED BY 'nobody-secret';
GRANT SELECT ON asterisk.* TO 'reader'@'%';
GRANT SELECT ON asterisk.users TO 'narrow'@'%';
";

#[tokio::test]
async fn everybody_with_an_extension_is_read_with_phone_login_and_groups() {
    let server = freepbx();
    let freepbx = Freepbx::connect(&reader(&server)).await.expect("connected");
    let people = freepbx.people().await.expect("people");
    let seen: Vec<String> = people
        .iter()
        .map(|p| {
            format!(
                "{} {} {:?} {:?} {:?} {:?}",
                p.key, p.login, p.name, p.channel, p.email, p.groups
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            r#"101 anna "Anna Кузнецова" Some("PJSIP/101") Some("anna@firm.example") ["All", "Sales"]"#,
            r#"102 102 "Front \"Desk\"" Some("SIP/102") None []"#,
            r#"103 third "Third Man" None None ["All"]"#,
        ]
    );
    no_connection_is_left(&server);
}

#[tokio::test]
async fn the_line_is_protected_where_that_is_wanted() {
    let server = freepbx();
    server
        .sql("ALTER USER 'reader'@'%' REQUIRE SSL")
        .expect("TLS required");
    let config = FreepbxConfig {
        host: "localhost".into(),
        tls: Tls::CaFile(server.ca_certificate()),
        ..reader(&server)
    };
    let freepbx = Freepbx::connect(&config).await.expect("connected");
    assert_eq!(freepbx.people().await.expect("people").len(), 3);

    let stranger = FreepbxConfig {
        tls: Tls::System,
        ..config.clone()
    };
    let refused = Freepbx::connect(&stranger).await;
    assert!(matches!(refused, Err(FreepbxError::Tls(_))), "{refused:?}");
    let plain = FreepbxConfig {
        tls: Tls::Off,
        ..config
    };
    let refused = Freepbx::connect(&plain).await;
    assert!(
        matches!(refused, Err(FreepbxError::Refused { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn what_is_wrong_is_said_with_what_to_do() {
    let mut server = freepbx();
    let good = reader(&server);
    let said = async |config: FreepbxConfig| match Freepbx::connect(&config).await {
        Ok(freepbx) => freepbx.people().await.expect_err("an error").to_string(),
        Err(error) => error.to_string(),
    };

    let wrong = said(as_user(&server, "reader", "wrong")).await;
    assert_eq!(
        wrong,
        "the FreePBX database refused the user reader or the password"
    );

    let rights = said(as_user(&server, "narrow", "narrow-secret")).await;
    assert!(
        rights.contains("GRANT SELECT ON asterisk.devices TO 'narrow'"),
        "{rights}"
    );
    let none = said(as_user(&server, "nobody", "nobody-secret")).await;
    assert!(
        none.contains("GRANT SELECT ON asterisk.* TO 'nobody'"),
        "{none}"
    );

    server.sql("DROP TABLE asterisk.devices").expect("dropped");
    let table = said(good.clone()).await;
    assert_eq!(
        table,
        "the database asterisk has no table devices: is it the one of FreePBX?"
    );

    server.kill().expect("killed");
    let away = said(good).await;
    assert!(away.contains("does not answer"), "{away}");
    assert!(!away.contains("reader-secret"));
}

#[tokio::test]
async fn the_user_manager_may_be_closed_to_us() {
    let server = freepbx();
    server
        .sql("GRANT SELECT ON asterisk.devices TO 'narrow'@'%'")
        .expect("granted");
    let config = as_user(&server, "narrow", "narrow-secret");
    let freepbx = Freepbx::connect(&config).await.expect("connected");
    let people = freepbx.people().await.expect("people");
    let logins: Vec<&str> = people.iter().map(|person| person.login.as_str()).collect();
    assert_eq!(logins, ["101", "102", "103"]);
}

#[tokio::test]
async fn nothing_can_be_written_even_by_accident() {
    let server = freepbx();
    // To read this table is to write to another.
    server
        .sql(
            "USE asterisk; RENAME TABLE users TO users_before; CREATE TABLE readings (at int);\n\
             DELIMITER //\n\
             CREATE FUNCTION note() RETURNS varchar(9) MODIFIES SQL DATA \
             BEGIN INSERT INTO readings VALUES (1); RETURN 'x'; END//\n\
             DELIMITER ;\n\
             CREATE VIEW users AS SELECT extension, note() AS name FROM users_before;",
        )
        .expect("a trap");
    let freepbx = Freepbx::connect(&reader(&server)).await.expect("connected");
    let refused = freepbx.people().await.expect_err("an error").to_string();
    assert!(refused.contains("READ ONLY"), "{refused}");
}

#[tokio::test]
async fn a_table_without_end_is_refused() {
    let server = freepbx();
    server
        .sql("USE asterisk; INSERT INTO users (extension, name) SELECT seq, 'x' FROM users u JOIN seq_200000_to_300000 WHERE u.extension = '101'")
        .expect("many");
    let freepbx = Freepbx::connect(&reader(&server)).await.expect("connected");
    let refused = freepbx.people().await;
    assert!(
        matches!(refused, Err(FreepbxError::TooMany { .. })),
        "{refused:?}"
    );
}

/// The server notices a moment after the good-bye.
fn no_connection_is_left(server: &Mariadb) {
    let count = "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'reader'";
    let until = Instant::now() + Duration::from_secs(30);
    while server.sql(count).expect("asked").trim() != "0" {
        assert!(Instant::now() < until, "a connection stayed open");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn freepbx() -> Mariadb {
    let server = Mariadb::start().expect("MariaDB");
    server.sql(TABLES).expect("tables");
    server
}

fn reader(server: &Mariadb) -> FreepbxConfig {
    as_user(server, "reader", "reader-secret")
}

fn as_user(server: &Mariadb, user: &str, password: &str) -> FreepbxConfig {
    FreepbxConfig {
        host: "127.0.0.1".into(),
        port: server.port(),
        user: user.into(),
        password: SecretString::from(password),
        database: "asterisk".into(),
        tls: Tls::Off,
        deadline: Duration::from_secs(60),
    }
}
