-- Who the people outside are. Never edited after landing: add 0003.

-- Who was at the other end of a call, as JSON; the name is also in names.
ALTER TABLE calls ADD COLUMN person TEXT;

-- Which of several people a number is, as JSON; line is the DID that it holds for, empty: any.
CREATE TABLE memory (
    number TEXT NOT NULL,
    line TEXT NOT NULL,
    choice TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (number, line)
);
CREATE INDEX memory_by_time ON memory (at);
