"""LSF's jsrun as a launcher of ReFrame, which has none: a resource set for each rank."""

from reframe.core.backends import register_launcher
from reframe.core.launchers import JobLauncher


@register_launcher("jsrun")
class JsrunLauncher(JobLauncher):
    def command(self, job):
        return ["jsrun", "-n", str(job.num_tasks)]
