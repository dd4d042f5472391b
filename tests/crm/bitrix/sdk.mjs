// The official SDK for Node at a portal whose webhook is the argument: one line of JSON tells what it got.
import { B24Hook } from '@bitrix24/b24jssdk'

const portal = B24Hook.fromWebhookUrl(process.argv[2])
const v2 = portal.actions.v2
const number = process.argv[3]

const search = await v2.call.make({ method: 'telephony.externalCall.searchCrmEntities', params: { PHONE_NUMBER: number } })
const duplicates = await v2.call.make({ method: 'crm.duplicate.findbycomm', params: { type: 'PHONE', values: [number] } })
const all = await v2.callList.make({ method: 'crm.contact.list', params: { select: ['ID'] }, idKey: 'ID' })
const pages = []
for await (const page of v2.fetchList.make({ method: 'crm.contact.list', params: { select: ['ID'] }, idKey: 'ID' })) {
  pages.push(page.length)
}
const batch = await v2.batch.make({
  calls: {
    who: ['crm.duplicate.findbycomm', { type: 'PHONE', values: [number] }],
    contact: ['crm.contact.get', { id: '$result[who][CONTACT][0]' }]
  },
  options: { isHaltOnError: true, returnAjaxResult: false }
})
const added = await v2.call.make({
  method: 'crm.contact.add',
  params: { fields: { NAME: 'Grace', PHONE: [{ VALUE: '+12125550100', VALUE_TYPE: 'WORK' }] } }
})

console.log(
  JSON.stringify({
    search: search.getData().result.map((entity) => entity.NAME),
    duplicates: duplicates.getData().result.CONTACT.length,
    all: all.getData().length,
    pages,
    batch: batch.getData().contact.NAME,
    added: typeof added.getData().result,
    forbidden: await refusal('telephony.externalCall.finish', { CALL_ID: 'x', USER_ID: 1 }),
    unknown: await refusal('crm.nothing.get', { id: 1 }),
    incomplete: await refusal('crm.duplicate.findbycomm', { type: 'PHONE' })
  })
)

async function refusal(method, params) {
  try {
    await v2.call.make({ method, params })
    return 'none'
  } catch (error) {
    return error.code
  }
}
