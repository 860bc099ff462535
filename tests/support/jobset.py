"""JobSet's controller as a JobSet of one Job sees it: it makes the Job, suspends and resumes it, and tells its end.

Its JobSets are a collection that a test installs (`crds/jobset.yaml`), with any content: what its webhook would fill in
is filled in here.

Sources:
    https://github.com/kubernetes-sigs/jobset/blob/main/pkg/controllers/jobset_controller.go (reconcile, constructJob,
    labelAndAnnotateObject, suspendJobs, resumeJob, executeFailurePolicy, executeSuccessPolicy)
    https://github.com/kubernetes-sigs/jobset/blob/main/pkg/webhooks/jobset_webhook.go (Default, ValidateCreate)
"""

from __future__ import annotations

import copy
import hashlib
import threading
from collections.abc import Mapping
from typing import Any

import kubernetes

_API = ("jobset.x-k8s.io", "v1alpha2")
_PLURAL = "jobsets"
_PAUSE_SECONDS = 0.2

Json = dict[str, Any]


class JobSets:
    """The controller of one namespace's JobSets, while it is used as a context."""

    def __init__(self, client: kubernetes.client.ApiClient, namespace: str) -> None:
        self._batch = kubernetes.client.BatchV1Api(client)
        self._custom = kubernetes.client.CustomObjectsApi(client)
        self._client = client
        self._namespace = namespace
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.errors: list[str] = []

    def __enter__(self) -> JobSets:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        assert self.errors == []

    def list(self) -> list[Json]:
        """The JobSets there are."""
        found = self._custom.list_namespaced_custom_object(*_API, self._namespace, _PLURAL)
        return list(found["items"])

    def admit(self, name: str, *, flavor: Mapping[str, str]) -> None:
        """What Kueue does to a JobSet: let it run on the nodes of a flavor."""
        [found] = [one for one in self.list() if one["metadata"]["name"] == name]
        spec = copy.deepcopy(found["spec"])
        for replicated in spec["replicatedJobs"]:
            template = replicated["template"]["spec"]["template"]["spec"]
            template["nodeSelector"] = template.get("nodeSelector", {}) | flavor
        spec["suspend"] = False
        self._custom.patch_namespaced_custom_object(*_API, self._namespace, _PLURAL, name, {"spec": spec})

    def _run(self) -> None:
        while not self._is_over.wait(_PAUSE_SECONDS):
            for job_set in self.list():
                try:
                    self._reconcile(job_set)
                except kubernetes.client.ApiException as error:
                    # A conflict, or something that went meanwhile: the next round sees it.
                    if error.status not in (404, 409):
                        self.errors.append(str(error))

    def _reconcile(self, job_set: Json) -> None:
        jobs = self._jobs_of(job_set)
        finished = {_end(job): job for job in jobs if _end(job)}
        if _is_finished(job_set) or "deletionTimestamp" in job_set["metadata"]:
            return
        if "Failed" in finished:
            self._say(
                job_set,
                "Failed",
                "FailedJobs",
                f"jobset failed due to one or more job failures: {jobs[0].metadata.name}",
            )
        elif "Complete" in finished:
            self._say(job_set, "Completed", "AllJobsCompleted", "jobset completed successfully")
        elif not jobs:
            self._make(job_set)
        else:
            self._suspend_or_resume(job_set, jobs[0])

    def _jobs_of(self, job_set: Json) -> list[Any]:
        uid = job_set["metadata"]["uid"]
        jobs = self._batch.list_namespaced_job(self._namespace).items
        return [
            job for job in jobs if uid in [one.uid for one in job.metadata.owner_references or () if one.controller]
        ]

    def _make(self, job_set: Json) -> None:
        metadata = job_set["metadata"]
        [replicated] = job_set["spec"]["replicatedJobs"]
        name = f"{metadata['name']}-{replicated['name']}-0"
        template = copy.deepcopy(replicated["template"])
        spec = template["spec"]
        assert len(f"{name}-{spec['completions'] - 1}-abcde") <= 63, "the webhook refuses it"
        marks = _marks(job_set, replicated, name)
        for body in (template, spec["template"]):
            body.setdefault("metadata", {})
            for key in ("labels", "annotations"):
                body["metadata"][key] = (body["metadata"].get(key) or {}) | marks
        if job_set["spec"].get("network", {}).get("enableDNSHostnames", True):
            spec["template"]["spec"]["subdomain"] = metadata["name"]
        spec["suspend"] = bool(job_set["spec"].get("suspend"))
        owner = {"apiVersion": "/".join(_API), "kind": "JobSet", "name": metadata["name"], "uid": metadata["uid"]}
        owners = [owner | {"controller": True, "blockOwnerDeletion": True}]
        body = {"metadata": template["metadata"] | {"name": name, "ownerReferences": owners}, "spec": spec}
        self._batch.create_namespaced_job(self._namespace, body)

    def _suspend_or_resume(self, job_set: Json, job: Any) -> None:
        is_suspended = bool(job_set["spec"].get("suspend"))
        if bool(job.spec.suspend) == is_suspended:
            return
        changes: Json = {"spec": {"suspend": is_suspended}}
        if not is_suspended:
            if job.status.start_time is not None:
                self._batch.patch_namespaced_job_status(
                    job.metadata.name, self._namespace, {"status": {"startTime": None}}
                )
            template = job_set["spec"]["replicatedJobs"][0]["template"]["spec"]["template"]
            selector = template["spec"].get("nodeSelector") or {}
            changes["spec"]["template"] = {"metadata": template["metadata"], "spec": {"nodeSelector": selector}}
        self._batch.patch_namespaced_job(job.metadata.name, self._namespace, changes)

    def _say(self, job_set: Json, kind: str, reason: str, message: str) -> None:
        condition = {
            "type": kind,
            "status": "True",
            "reason": reason,
            "message": message,
            "lastTransitionTime": job_set["metadata"]["creationTimestamp"],
        }
        status = {"conditions": [condition], "terminalState": kind, "restarts": 0}
        name = job_set["metadata"]["name"]
        self._custom.patch_namespaced_custom_object_status(*_API, self._namespace, _PLURAL, name, {"status": status})


def _marks(job_set: Json, replicated: Json, name: str) -> dict[str, str]:
    """What it notes on Jobs and pods, as labels and as annotations."""
    namespace = job_set["metadata"]["namespace"]
    prefix = "jobset.sigs.k8s.io/"
    return {
        f"{prefix}jobset-name": job_set["metadata"]["name"],
        f"{prefix}jobset-uid": job_set["metadata"]["uid"],
        f"{prefix}replicatedjob-name": replicated["name"],
        f"{prefix}restart-attempt": "0",
        f"{prefix}replicatedjob-replicas": str(replicated["replicas"]),
        f"{prefix}global-replicas": "1",
        f"{prefix}job-index": "0",
        f"{prefix}job-key": hashlib.sha1(f"{namespace}/{name}".encode()).hexdigest(),
        f"{prefix}job-global-index": "0",
    }


def _end(job: Any) -> str:
    ends = [one.type for one in job.status.conditions or () if one.status == "True"]
    return next((end for end in ends if end in ("Complete", "Failed")), "")


def _is_finished(job_set: Json) -> bool:
    conditions = (job_set.get("status") or {}).get("conditions") or ()
    return any(one["type"] in ("Completed", "Failed") and one["status"] == "True" for one in conditions)
