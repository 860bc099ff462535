"""Kueue as a Job sees it: admission and preemption, by the fields that it changes.

Its Workloads are a collection that a test installs (`crds/kueue.yaml`), with any content.

Sources:
    https://kueue.sigs.k8s.io/docs/tasks/run/jobs/
    https://github.com/kubernetes-sigs/kueue/blob/main/pkg/controller/jobs/job/job_controller.go (RunWithPodSetsInfo,
    Suspend, RestorePodSetsInfo)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import kubernetes

_WORKLOADS = ("kueue.x-k8s.io", "v1beta2", "workloads")


class Kueue:
    """Starts and stops the Jobs of one namespace."""

    def __init__(self, client: kubernetes.client.ApiClient, namespace: str) -> None:
        self._batch = kubernetes.client.BatchV1Api(client)
        self._custom = kubernetes.client.CustomObjectsApi(client)
        self._namespace = namespace

    def admit(self, name: str, *, flavor: Mapping[str, str]) -> None:
        """Let a Job run on the nodes of a flavor: its labels go into the nodeSelector, while the Job is suspended."""
        template = {"metadata": {"labels": {"kueue.x-k8s.io/podset": "main"}}, "spec": {"nodeSelector": dict(flavor)}}
        self._patch(name, {"spec": {"suspend": False, "template": template}})

    def preempt(self, name: str) -> None:
        """Take a Job's pods away, for another that comes first."""
        self._patch(name, {"spec": {"suspend": True}})

    def restore(self, name: str, *, flavor: Mapping[str, str]) -> None:
        """Put the Job back as it was made, once it no longer runs.

        Only of a Job that has not started may that be changed, so it is made one that has not.
        """
        self._batch.patch_namespaced_job_status(name, self._namespace, {"status": {"startTime": None}})
        selector = dict.fromkeys(flavor)
        labels = {"kueue.x-k8s.io/podset": None}
        template = {"metadata": {"labels": labels}, "spec": {"nodeSelector": selector}}
        self._patch(name, {"spec": {"template": template}})

    def say(self, job: Any, *conditions: Mapping[str, str]) -> None:
        """Have a Workload for a Job, with these conditions."""
        metadata = {"name": job.metadata.name, "uid": job.metadata.uid}
        self.say_of({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata}, *conditions)

    def say_of(self, body: Mapping[str, Any], *conditions: Mapping[str, str]) -> None:
        """The same for anything that Kueue takes."""
        metadata = body["metadata"]
        owner = {"apiVersion": body["apiVersion"], "kind": body["kind"]} | {
            key: metadata[key] for key in ("name", "uid")
        }
        name = f"{body['kind'].lower()}-{metadata['name']}"
        workload = {
            "apiVersion": "/".join(_WORKLOADS[:2]),
            "kind": "Workload",
            "metadata": {
                "name": name,
                "labels": {"kueue.x-k8s.io/job-uid": metadata["uid"]},
                "ownerReferences": [owner | {"controller": True, "blockOwnerDeletion": True}],
            },
        }
        where = (*_WORKLOADS[:2], self._namespace, _WORKLOADS[2])
        try:
            self._custom.create_namespaced_custom_object(*where, workload)
        except kubernetes.client.ApiException as error:
            if error.status != 409:
                raise
        self._custom.patch_namespaced_custom_object_status(*where, name, {"status": {"conditions": list(conditions)}})

    def _patch(self, name: str, body: Mapping[str, Any]) -> None:
        self._batch.patch_namespaced_job(name, self._namespace, body)
