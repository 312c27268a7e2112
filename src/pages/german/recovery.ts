import type { Texts } from '../texts.ts';

export const recovery: Texts['recovery'] = {
  link: 'Passwort vergessen?',
  forgot: {
    title: 'Neues Passwort wählen',
    lead:
      'Wir schicken Ihnen einen Link, mit dem Sie eines wählen können. ' +
      'Geben Sie die Adresse Ihres Kontos ein.',
    submit: 'Link senden',
    remembered: 'Sie wissen es doch noch?',
  },
  mailed: {
    title: 'Sehen Sie in Ihr Postfach',
    sentTo: 'Falls es dazu ein Konto gibt, senden wir einen Link an',
    next: 'Folgen Sie ihm innerhalb von 15 Minuten. Nur der neueste Link gilt.',
    noMail: [
      'Warten Sie einige Minuten.',
      'Sehen Sie im Spam-Ordner nach.',
      'Prüfen Sie, ob die Adresse oben die Ihres Kontos ist.',
    ],
    again: 'Noch einmal anfordern',
  },
  reset: {
    title: 'Neues Passwort wählen',
    lead: 'Es ersetzt das alte sofort und beendet alle Sitzungen Ihres Kontos.',
    submit: 'Neues Passwort speichern',
    notYou:
      'Wenn Sie das nicht angefordert haben, schließen Sie diese Seite: ' +
      'Ihr Passwort bleibt, wie es ist.',
  },
  recovered: {
    title: 'Ihr Passwort ist geändert',
    text: 'Alle Sitzungen Ihres Kontos sind beendet. Melden Sie sich mit dem neuen Passwort an.',
  },
  factors: {
    title: 'Konto neu einrichten',
    lead:
      'Wählen Sie ein neues Passwort. Ihre Passkeys, Ihre Authenticator-App und Ihre Notfallcodes ' +
      'gelten dann nicht mehr, und alle Sitzungen enden. Melden Sie sich danach an, und richten Sie einen zweiten Faktor ein.',
    submit: 'Zurücksetzen und Passwort speichern',
    notYou:
      'Wenn Sie das nicht angefordert haben, schließen Sie diese Seite: Ihr Konto bleibt, wie es ist.',
    done: {
      title: 'Ihr Konto ist neu eingerichtet',
      text: 'Melden Sie sich mit dem neuen Passwort an, und richten Sie einen zweiten Faktor ein.',
    },
  },
  invalid: {
    next:
      'Wenn Sie ihn schon benutzt haben, melden Sie sich mit dem neuen Passwort an. ' +
      'Sonst fordern Sie einen neuen Link an.',
    again: 'Neuen Link anfordern',
  },
  resend: 'Nachricht noch einmal senden',
};
