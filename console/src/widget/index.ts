export type { Connection } from "../api/types";
export { PlatformIcon, type IconSize, type PlatformIconProps } from "../platforms/PlatformIcon";
export { SocialProfilesCard, type SocialProfilesCardProps } from "./SocialProfilesCard";
