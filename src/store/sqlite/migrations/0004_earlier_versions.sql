-- The content hashes of a complaint's earlier versions, 16 hexadecimal digits each, the newest last:
-- an event that says what an earlier version said was sent again.
ALTER TABLE complaints ADD COLUMN earlier TEXT NOT NULL DEFAULT '';
