import type { components } from "./schema";

type Schemas = components["schemas"];

export type Connection = Schemas["ConnectionView"];
export type Profile = Schemas["ProfileView"];
export type Capability = Schemas["Capability"];
export type PublishFacts = Schemas["PublishView"];
export type OptionFact = Schemas["OptionView"];
export type Talent = Schemas["TalentView"];
export type Post = Schemas["PostView"];
export type PostBody = Schemas["PostBody"];
export type Delivery = Schemas["DeliveryView"];
export type Attempt = Schemas["AttemptView"];
export type Validation = Schemas["ValidationView"];
export type Problem = Schemas["ProblemView"];
export type BulkReport = Schemas["BulkReportView"];
export type QueueStats = Schemas["QueueStats"];
export type Resolution = Schemas["Resolution"];
