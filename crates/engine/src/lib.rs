//! The application without a face: manager interface, call tracker and contacts in one loop.
