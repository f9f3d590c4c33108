-- Whether the bytes of a dead letter are the event, so that they can be fed in again as they are.
-- They are not for a row of a table, a line that was cut, an alert.
ALTER TABLE dead_letters ADD COLUMN is_event INTEGER NOT NULL DEFAULT 1;

-- What letters from before tell of themselves.
UPDATE dead_letters SET is_event = 0
WHERE sink IS NOT NULL
   OR reason = 'invalid_row'
   OR (source LIKE 'file:%' AND (reason IN ('too_large', 'invalid_encoding')
       OR source LIKE '%.csv#%' OR source LIKE '%.tsv#%' OR source LIKE '%.xls%#%'));
