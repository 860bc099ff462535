"""A ProcessingJob with target: Cluster: an Indexed Job whose hosts each run the container on their inputs. Pure."""
