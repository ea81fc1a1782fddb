-- An expression, no statement of its own: a cell of a CSV file that no spreadsheet takes for a formula, for one column
-- ({cell}). One that begins with = + - @ tab CR LF gets an apostrophe in front, like neutral() in report_csv.py. All of
-- these, and what may stand before them, are at most 64; most cells begin with a letter.
-- Locks: none.
CASE WHEN ascii({cell}) > 64 THEN {cell}
    WHEN ascii(ltrim({cell}, ' "''')) IN (61, 43, 45, 64, 9, 13, 10) THEN '''' || {cell}
    ELSE nullif({cell}, '') END
