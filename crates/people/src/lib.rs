//! Who works here and may sign in: FreePBX's database, LDAP, OpenID Connect.
#![forbid(unsafe_code)]
