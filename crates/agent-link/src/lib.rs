//! The local socket between the agent, its windows and its command line.
