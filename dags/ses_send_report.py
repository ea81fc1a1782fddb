"""The Airflow DAG ``ses_send_report`` of each site: ``ses_bounces/dags/send.py`` of the package."""

from ses_bounces.dags import build_dags

build_dags("ses_send_report")
