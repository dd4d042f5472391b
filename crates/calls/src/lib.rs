//! What the events of Asterisk mean: calls, legs, extension states.
