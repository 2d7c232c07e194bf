"""What the tests that kill ask of a jobs store, in SQL for both built-in ones, and of a folder."""
import os

# Attempts that went on behind parts that an earlier one had recorded, so from a token: what a task
# without one had recorded is dropped by the next claim.
RESUMED = ("SELECT count(DISTINCT attempt.task_index || '/' || attempt.fence || '/' ||"
           " attempt.job_key) FROM attempt JOIN part ON part.job_key = attempt.job_key"
           " AND part.task_index = attempt.task_index AND attempt.fence > part.fence"
           " AND attempt.first_seq > part.seq")


def files_in(folder):
    """The paths of all files, from the folder on."""
    found = set()
    for place, _, files in os.walk(folder):
        found |= {os.path.relpath(os.path.join(place, file), folder) for file in files}
    return found
