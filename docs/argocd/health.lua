-- Health of every Sagebridge kind for Argo CD. Without it Argo CD gives a custom resource no health and its sync waves
-- don't wait. The same order of questions as kstatus, so Argo CD and Flux agree; only Suspended is told apart.
local function progressing(message)
  return { status = "Progressing", message = message }
end

local status = obj.status
if obj.metadata.deletionTimestamp ~= nil then
  return progressing("Being deleted")
end
if status == nil or status.conditions == nil then
  return progressing("Waiting for the operator to look at it")
end
if status.observedGeneration ~= obj.metadata.generation then
  return progressing("Waiting for the operator to look at the last change")
end

local ready = nil
for _, condition in ipairs(status.conditions) do
  if condition.status == "True" then
    if condition.type == "Reconciling" then
      return progressing(condition.message)
    end
    if condition.type == "Stalled" or condition.type == "Failed" then
      return { status = "Degraded", message = condition.message }
    end
    if condition.type == "Suspended" then
      return { status = "Suspended", message = condition.message }
    end
  end
  if condition.type == "Ready" then
    ready = condition
  end
end

if ready == nil then
  return progressing("Waiting for the operator to say whether it is ready")
end
if ready.status == "True" then
  return { status = "Healthy", message = ready.message }
end
-- The annotation sagebridge.io/paused: Argo CD calls what waits for a person Suspended.
if ready.reason == "Paused" then
  return { status = "Suspended", message = ready.message }
end
return progressing(ready.message)
