"""The Airflow DAG ``ses_lift_blocks`` of each site: ``ses_bounces/dags/lift.py`` of the package."""

from ses_bounces.dags import build_dags

build_dags("ses_lift_blocks")
