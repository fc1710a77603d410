import * as z from 'zod';
import { targetSpecification } from './planning-calls.js';
import { failure } from './published-events.js';
import { instant } from './quantities.js';
import { nothing, serviceCall } from './service-call.js';

export const hciDriverName = z.enum(['local-process']);

export const hciSiteView = z.object({
  siteId: z.uuid(),
  name: z.string(),
  driver: hciDriverName,
  version: z.string(),
  registeredAt: instant,
});
export type HciSiteView = z.infer<typeof hciSiteView>;

export const targetVmView = z.object({
  targetVmId: z.uuid(),
  taskId: z.uuid(),
  siteId: z.uuid(),
  status: z.enum([
    'requested',
    'created',
    'ready',
    'failed',
    'booting-from-disk',
    'booted-from-disk',
    'removing',
    'removed',
  ]),
  /** The driver's own name for the machine, such as a folder or a VM id. */
  reference: z.string().nullable(),
  specification: targetSpecification,
  failure: failure.nullable(),
});
export type TargetVmView = z.infer<typeof targetVmView>;

export const provisioningCalls = {
  registerHciSite: serviceCall(
    'provisioning.register-hci-site',
    z.object({ name: z.string().min(1).max(200), driver: hciDriverName, version: z.string().min(1).max(100) }),
    hciSiteView,
  ),
  listHciSites: serviceCall('provisioning.list-hci-sites', nothing, z.object({ sites: z.array(hciSiteView) })),
  getHciSite: serviceCall('provisioning.get-hci-site', z.object({ siteId: z.uuid() }), hciSiteView),
  createTargetVm: serviceCall(
    'provisioning.create-target-vm',
    z.object({ targetVmId: z.uuid(), taskId: z.uuid(), siteId: z.uuid(), specification: targetSpecification }),
    nothing,
  ),
  bootTargetFromDisk: serviceCall('provisioning.boot-target-from-disk', z.object({ targetVmId: z.uuid() }), nothing),
  /** Removes the machine and its disks; answered when that is recorded as wanted, also for one that never was. */
  removeTargetVm: serviceCall(
    'provisioning.remove-target-vm',
    z.object({ targetVmId: z.uuid(), taskId: z.uuid() }),
    nothing,
  ),
  getTargetVm: serviceCall('provisioning.get-target-vm', z.object({ targetVmId: z.uuid() }), targetVmView),
} as const;
