fn main() {
    for path in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&path).unwrap();
        match crm::File::parse(&text, &path) {
            Ok(file) => println!("ok   {path} {} cases", file.case_count()),
            Err(errors) => for e in errors { println!("BAD  {e}"); }
        }
    }
}
