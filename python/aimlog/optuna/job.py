# SPDX-License-Identifier: Apache-2.0
"""Which job a study is: a uuid among the study's own attributes.

Optuna uses names again when a study was deleted, and storages use their numbers again, so neither
says which study this is.
"""

import uuid

import optuna

from aimlog.optuna.claims import directory_lock

ATTRIBUTE = "aimlog:job"


def job_id_of(study: optuna.Study, directory: str | None) -> str:
    """The job's id, the same in every process that works on this study.

    directory: for a lock, so that of several workers that begin at once only one makes the id.
    """
    known = study.user_attrs.get(ATTRIBUTE)
    if known is None:
        with directory_lock(directory):
            known = study.user_attrs.get(ATTRIBUTE)
            if known is None:
                known = uuid.uuid4().hex
                study.set_user_attr(ATTRIBUTE, known)
    return known
