/** `orderId`, `order_id` and `Order-Id` are the words order, id. */
export function wordsOf(name: string): readonly string[] {
  return name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
}

/** `order_id`, whatever the spelling. */
export function snake(name: string): string {
  return wordsOf(name).join('_');
}

/** `orders` is `order`, `categories` is `category`; what is no plural stays. */
export function singular(word: string): string {
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  if (/(ss|x|ch|sh)es$/.test(word)) return word.replace(/es$/, '');
  if (/[^s]s$/.test(word) && word.length > 3 && !/(us|is|news)$/.test(word))
    return word.slice(0, -1);
  return word;
}

/** Fields that hold what somebody signs in as. */
const NAME_FIELD =
  /^(user_?name|user|e_?mail(_address)?|log_?in|log_?in_(id|name)|account(_name)?|identifier|phone(_number)?|user_id|nick_?name|handle|mobile|identity)$/;

export const PASSWORD_FIELD = /(^|_)(pass|password|passwd|pwd|passphrase|passcode)(_|$)|password/;

/** Words for those who have accounts, as paths have them. */
export const PEOPLE =
  /\b(users?|accounts?|people|persons?|members?|customers?|profiles?|me|self)\b/;

/** Fields that say what somebody may do. */
export const ROLE_FIELD =
  /^(role|roles|role_name|role_id|is_admin|admin|is_superuser|superuser|is_staff|permission|permissions|user_?type|account_?type|access_?level|privilege|group)$/;

export function isNameField(name: string): boolean {
  return NAME_FIELD.test(snake(name));
}

/** What is about a password and is none: the code that resets it, the time it was changed at. */
const ABOUT_PASSWORD =
  /_(code|token|otp|pin|hint|at|on|date|expires|expiry|expired|expires_at|expiry_date|id|url|uri|link|question|strength|policy|length|changed|updated|verified|enabled|required)$/;

export function isPasswordField(name: string): boolean {
  const key = snake(name);
  return PASSWORD_FIELD.test(key) && !ABOUT_PASSWORD.test(key);
}

/** A field that repeats the one before: it takes the same value. */
export function isConfirmation(name: string): boolean {
  return /(confirm|repeat|again|retype|verify|password2|password_2)/.test(snake(name));
}
