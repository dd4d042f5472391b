//! A browser of the tests: forms and cookies by plain HTTP.
