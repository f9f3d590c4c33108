-- What grouping read in open complaints, so that a start need not read them again. A cache: of another
-- version, or missing, the complaint is read anew.
CREATE TABLE readings (
    complaint INTEGER PRIMARY KEY REFERENCES complaints (key) ON DELETE CASCADE,
    version   INTEGER NOT NULL,
    reading   BLOB    NOT NULL
) STRICT;
