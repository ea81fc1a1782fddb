-- An expression, no statement of its own: a cell of a CSV file that no spreadsheet takes for a formula, for one column
-- ({cell}), as neutral() in csv_file.py makes it. Most cells need nothing: one match without a look ahead tells.
-- Parameters: {cell}: identifier of a text column; {found}, {front}, {inside}: regular expressions of csv_file.py.
-- Locks: none.
CASE WHEN {cell} ~ {found} THEN regexp_replace(regexp_replace({cell}, {inside}, '\1''', 'g'), {front}, '''')
    ELSE nullif({cell}, '') END
