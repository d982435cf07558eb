# SPDX-License-Identifier: Apache-2.0
"""Which job a study is: a uuid among the study's own attributes.

Optuna uses names again when a study was deleted, and storages use their numbers again, so neither
says which study this is. The uuid alone does not say it either, as `optuna.copy_study` copies it:
the name for which it was made stands beside it.
"""

import uuid

import optuna

from aimlog.optuna.locks import Patience, directory_lock

ATTRIBUTE = "aimlog:job"
NAME = "aimlog:study"


def known_job(study: optuna.Study) -> str | None:
    """None: it has no job yet, or one that was copied from another study with its attributes."""
    attributes = study.user_attrs
    job_id = attributes.get(ATTRIBUTE)
    if attributes.get(NAME, study.study_name) != study.study_name:
        return None
    if job_id is not None and NAME not in attributes:  # from before names were kept
        study.set_user_attr(NAME, study.study_name)
    return job_id


def job_id_of(
    study: optuna.Study, directory: str | None, patience: Patience, other_than: str | None = None
) -> str:
    """The job's id, the same in every process that works on this study.

    directory: for a lock, so that of several workers that begin at once only one makes the id.
    other_than: a job that turned out to be another study's, of which this is a copy.

    Raises LockBusy.
    """
    known = known_job(study)
    if known is not None and known != other_than:
        return known
    with directory_lock(directory, patience):
        known = known_job(study)
        if known is None or known == other_than:
            known = uuid.uuid4().hex
            # In this order: an id beside a name of before is made again, and not trusted.
            study.set_user_attr(ATTRIBUTE, known)
            study.set_user_attr(NAME, study.study_name)
    return known
