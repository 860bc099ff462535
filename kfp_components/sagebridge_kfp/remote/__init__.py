"""Any lightweight component as a job on SageMaker, or on the cluster: what it gives on is as if it had run in its pod.

Where the pipeline is compiled, `component` puts the run's settings and the component's own command into a step. In the
step's pod, `step` brings inputs and code to S3, attends the job, and brings back what it made; in the job, `bootstrap`
runs the component's own command.
"""
