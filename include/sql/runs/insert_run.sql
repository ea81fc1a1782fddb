-- Note that a task began. Yields its row. Locks: the row inserted.
-- Parameters:
--   task_id, run_id: text  as Airflow names them
--   map_index: integer     -1: the task is not mapped
--   try_number: integer    from 1
INSERT INTO ses_bounces.run (run_id, task_id, map_index, try_number, started_at)
VALUES (%(run_id)s, %(task_id)s, %(map_index)s, %(try_number)s, clock_timestamp())
RETURNING run_row_id
