"""TrainingJobs on the cluster's own nodes: 1,000 of those, of 12 instance types, 600 jobs with 5,000 pods.

    python bench/cluster_scale.py
    python bench/cluster_scale.py --every 10 --largest 8    # a tenth, as `make e2e` has it

API server, controller-manager, scheduler and operator are the real ones; nodes are objects, and kwok does what their
kubelets would. What the run has to show is what e2e/scale tests, and checked here too.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "e2e"))

from scale.fleet import fleet
from scale.trial import run
from scale.verdict import faults
from scale.workload import workload


def main() -> int:
    """Run once, print a JSON report; the exit status says whether all was as promised."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, help="only each so many-th node and job")
    parser.add_argument("--largest", type=int, default=64, help="no job has more pods")
    parser.add_argument("--report", type=Path)
    parser.add_argument("--keep", action="store_true", help="keep the working files, logs included")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    directory = Path(tempfile.mkdtemp(prefix="sagebridge-scale-"))
    try:
        outcome = run(
            directory,
            nodes=fleet(every=options.every),
            jobs=workload(every=options.every, largest=options.largest),
        )
    finally:
        if not options.keep:
            shutil.rmtree(directory, ignore_errors=True)
    found = faults(outcome)
    figures = {
        "load_before": round(load, 1),
        "wrong": len(found),
        "misplaced": len(outcome.wrong),
        "idle": len(outcome.idle),
        "looks_with_waiting": outcome.looks_with_waiting,
    }
    text = json.dumps(asdict(outcome.report) | figures, indent=2)
    print(text)
    print("\n".join(found[:20]), file=sys.stderr)
    if options.report:
        options.report.write_text(text + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
