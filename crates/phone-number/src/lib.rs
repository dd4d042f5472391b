//! Phone numbers, call links and the site's dial plan, without IO.
