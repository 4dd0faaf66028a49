### 日本語。各文の意味は en/atpass.ftl に説明があります。文体は「です・ます」。

## Every page

on-server = 現在のサーバー：{ $host }
development-server = 開発用サーバー（このコンピューター専用）
app-on-this-computer = このコンピューター上のアプリ
about-app = このアプリについて
for-developers = 開発者向け情報
list-separator = 、

## Sign in

sign-in-title = サインイン
sign-in-for-app = 次のアプリがあなたのアカウントへのアクセスを求めています。応答するにはサインインしてください。
sign-in-for-account = あなたのアカウントにアクセスできるアプリを確認するには、サインインしてください。
sign-in-identifier = ハンドルまたはメールアドレス
sign-in-locked = アプリがこのアカウントを指定しました。別のアカウントを使うには、アプリに戻ってください。
sign-in-password = パスワード
sign-in-password-goes-to = パスワードは { $host } にのみ送信されます。アプリに知られることはありません。
sign-in-remember = このデバイスでサインインしたままにする
sign-in-submit = サインイン
sign-in-choose = サインイン済みのアカウントを選ぶ
cancel = キャンセル
sign-in-wrong = ハンドルまたはメールアドレスとパスワードの組み合わせが正しくありません。両方を確認して、もう一度お試しください。
sign-in-disabled = このアカウントは無効になっています。このサーバーの運営者にお問い合わせください。
sign-in-too-many = 試行回数が多すぎます。約{ $minutes }分後にもう一度お試しください。

## Choose an account

choose-title = アカウントを選択
choose-for-app = 次のアプリがアクセスを求めています。使うアカウントを選んでください。
use-another-account = 別のアカウントを使う

## A new account

sign-up-title = アカウントを作成
sign-up-for-app = 次のアプリがアクセスを求めています。使うアカウントを作成してください。
sign-up-open = アカウントを作成する
sign-up-handle = ハンドル
sign-up-handle-hint = あなたのアカウントの呼び名です。a から z の英字、数字、ハイフンを使えます。
sign-up-domain = ドメイン
sign-up-locked = アプリがこのハンドルを指定しました。別のハンドルを使うには、アプリに戻ってください。
sign-up-email = メールアドレス
sign-up-password-hint = { $least }文字以上。
sign-up-invite = 招待コード
sign-up-submit = アカウントを作成
sign-up-sign-in = 既存のアカウントでサインインする
sign-up-problem = アカウントはまだ作成されていません。下の印の付いた項目を直し、パスワードをもう一度入力してください。
sign-up-handle-taken = このハンドルはすでに使われています。別のハンドルを選んでください。
sign-up-handle-refused = このハンドルはここでは使えません。短すぎるか、長すぎるか、予約されている可能性があります。a から z の英字、数字、ハイフンで別のハンドルを選んでください。
sign-up-email-wrong = このアドレスにはメールを送れません。name@example.com のような形か確認してください。
sign-up-email-taken = このメールアドレスは別のアカウントで使われています。別のアドレスを使うか、そのアカウントでサインインしてください。
sign-up-password-short = このパスワードは短すぎます。{ $least }文字以上にしてください。
sign-up-password-long = このパスワードは長すぎます。{ $most }文字以内にしてください。
sign-up-invite-wrong = この招待コードは無効か、すでに使われています。確認するか、別の招待コードをもらってください。
sign-up-unavailable = 現在アカウントを作成できません。あなたのせいではありません。数分後にもう一度お試しください。パスワード以外の入力内容は残っています。

## Allow access?

consent-title = アクセスを許可しますか？
consent-heading = { $handle } へのアクセスを許可しますか？
consent-app = 次のアプリがアクセスを求めています。
consent-permissions = 許可すると、このアプリは次のことができるようになります。
consent-afterwards = アクセスは { $host }/account でいつでも終了できます。このあと、ブラウザーは { $destination } に移動します。
consent-scope = スコープ：
consent-account = アカウント：
consent-deny = 拒否する
consent-authorize = 許可する

## What an app may do

permission-atproto-title = あなたが誰であるかを知る
permission-atproto-detail = ハンドルと、アカウントの永続的な識別子を見ることができます。
permission-generic-title = あなたのアカウントを使う
permission-generic-detail = 投稿、いいね、フォローなど、すべての記録の閲覧・作成・変更・削除、ファイルのアップロード、設定の変更、およびあなたに代わってほかのサービスを利用することができます。パスワードやハンドルの変更、アカウントの閉鎖はできません。
permission-chat-title = ダイレクトメッセージを読み、送信する
permission-chat-detail = これまでの会話と今後の会話のすべてが対象です。
permission-email-title = メールアドレスを見る
permission-email-detail = 確認済みかどうかも見ることができます。
permission-set-defined = { $domain } による定義です。
permission-list = 技術的な名前
permission-repo-title = { $actions ->
        [create] レコードの作成
        [update] レコードの変更
        [delete] レコードの削除
        [create-update] レコードの作成と変更
        [create-delete] レコードの作成と削除
        [update-delete] レコードの変更と削除
       *[all] レコードの作成、変更、削除
    }
permission-repo-everything = あなたのすべてのレコード（投稿、いいね、フォロー、その他あらゆるアプリのもの）。
permission-repo-kinds = { $domain } が定義する { $count } 種類。
permission-repo-many = { $domains } 個のドメインが定義する { $count } 種類。
permission-rpc-title = { $service } でのあなたとしての操作
permission-rpc-anywhere-title = 任意のサービスでのあなたとしての操作
permission-rpc-everything = このサービスが提供するすべて。
permission-rpc-kinds = { $domain } が定義する { $count } 種類のリクエスト。
permission-rpc-many = { $domains } 個のドメインが定義する { $count } 種類のリクエスト。
permission-blob-title = ファイルのアップロード
permission-blob-kinds = あなたのアカウントへ：{ $kinds }。
permission-blob-any = あらゆる種類のファイル
permission-blob-image = 画像
permission-blob-video = 動画
permission-blob-audio = 音声
permission-email-manage-title = メールアドレスの閲覧と変更
permission-email-manage-detail = パスワードを忘れたときにこのサーバーが連絡するアドレスです。
permission-import-title = すべてのレコードの置き換え
permission-import-detail = 別のサーバーから移るときのように、ファイル全体で置き換えます。
permission-import-read-title = インポートの確認
permission-import-read-detail = 今のところ、これに対応するサーバーはありません。
permission-status-title = アカウントが有効かどうかの閲覧
permission-status-detail = 有効でない場合はその理由も含みます。
permission-status-manage-title = アカウントの無効化と有効化
permission-status-manage-detail = 無効の間は誰にも表示されません。
permission-handle-title = ハンドルの変更
permission-handle-detail = あなたのアカウントの呼び名です。
permission-identity-title = アイデンティティの管理
permission-identity-detail = アカウントの鍵と所属サーバーを変更できます。アプリがあなたのアカウントを奪うことも可能になります。
permission-space-title = プライベートスペースの利用
permission-space-detail = 一部の人だけが見られるレコードです。

## Back to the app

form-post-title = アプリに戻ります
form-post-text = ブラウザーが応答を { $host } に送ります。
form-post-continue = 続ける

## Your account

account-title = あなたのアカウント
account-apps = アクセスできるアプリ
account-no-apps = このアカウントにアクセスできるアプリはありません。
account-times = サインイン：{ $began ->
        [0] 24時間以内
       *[other] { $began }日前
    }、最後の使用：{ $used ->
        [0] 24時間以内
       *[other] { $used }日前
    }
account-end = アクセスを終了する
account-end-label = { $app } のアクセスを終了する（サインイン：{ $began ->
        [0] 24時間以内
       *[other] { $began }日前
    }）
account-end-all = { $count }件すべてのアクセスを終了する
account-browsers = ブラウザー
account-sign-out-here = このブラウザーからサインアウト
account-sign-out-others = ほかのすべてのブラウザーからサインアウト
account-sign-out-hint = ブラウザーからサインアウトしても、アプリはサインインしたままです。アプリのアクセスは上で終了できます。

## What went wrong

problem-form-title = このフォームは使えません
problem-form-foreign = このブラウザーのこのページから送信されたものではないか、Cookieが無効になっています。アプリに戻って、最初からやり直してください。
problem-form-undecided = どちらを選んだのかわかりません。前のページに戻って、いずれかのボタンを押してください。
problem-signed-out-title = サインアウトしています
problem-signed-out = このアカウントは、このブラウザーではもうサインインしていません。続けるには、もう一度サインインしてください。
problem-link-title = このリンクは不完全です
problem-link = サインインに必要な情報がないまま、アプリがブラウザーをここに移動させました。アプリに戻って、もう一度お試しください。
problem-expired-title = このサインインは期限切れです
problem-expired = 時間がかかりすぎたか、すでに完了しています。アプリに戻って、最初からやり直してください。
problem-request-title = このリクエストは使えません
problem-request = このサーバーが受け付けない内容がアプリから送信されました。アプリに戻って、もう一度お試しください。
problem-ours-title = こちらで問題が発生しました
problem-ours = これは当サーバーの問題で、あなたのせいではありません。何も変更されていません。しばらくしてから、もう一度お試しください。
