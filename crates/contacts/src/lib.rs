//! People and companies by number: vCard and CSV books.
