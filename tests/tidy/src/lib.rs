//! Who may import whom, and other rules of the house.
